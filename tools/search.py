"""The command `tf-ttur search`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["search", *commands.arguments()])
