"""The command `tf-ttur prepare`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["prepare", *commands.arguments()])
