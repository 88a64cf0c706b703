"""The command `tf-ttur study`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["study", *commands.arguments()])
