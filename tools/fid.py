"""The command `tf-ttur fid`, from a checkout."""

from tf_ttur import commands

if __name__ == "__main__":
    commands.main(["fid", *commands.arguments()])
