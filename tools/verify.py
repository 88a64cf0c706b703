"""The command `tf-ttur verify`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["verify", *commands.arguments()])
