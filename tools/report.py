"""The command `tf-ttur report`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["report", *commands.arguments()])
