"""The command `tf-ttur stats`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["stats", *commands.arguments()])
