"""``python -m grading COMMAND``."""

import sys

if __name__ == "__main__":
    # Not above: the graders' processes load this file too, and need nothing of it.
    from grading.cli import main

    sys.exit(main())
