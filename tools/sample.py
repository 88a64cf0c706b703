"""The command `tf-ttur sample`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["sample", *commands.arguments()])
