"""placeholder"""
def main(sock): raise NotImplementedError
