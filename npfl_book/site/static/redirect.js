// A page that has moved leads on to the same place of the new one; without scripts, to its beginning.
const link = document.querySelector("a");
link.hash ||= location.hash;
location.replace(link.href);
