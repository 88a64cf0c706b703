"""The command `tf-ttur theory`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["theory", *commands.arguments()])
