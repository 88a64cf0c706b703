"""The command `tf-ttur disturb`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["disturb", *commands.arguments()])
