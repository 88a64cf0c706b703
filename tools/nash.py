"""The command `tf-ttur nash`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["nash", *commands.arguments()])
