"""`python -m fastdl.cli`, for where the `fastdl` script is not on the path."""

import sys

from fastdl.cli import main

sys.exit(main())
