"""The command `tf-ttur curve`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["curve", *commands.arguments()])
