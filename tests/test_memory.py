"""What a training takes: arrays are read where they lie, and the rest is a few copies of the parameters."""

import sys
from pathlib import Path

import numpy as np
import pytest
from networks import run_python

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc and relies on Linux's limits")

# Rows are written in pieces, so that the file is all that is ever as large as the data.
MAPPED = """
import resource
import numpy as np
import fastdl as fdl
from fastdl import nn

MIB = 2**20
ROWS, FEATURES = 256 * 1024, 128
written = np.lib.format.open_memmap("x.npy", "w+", np.float32, (ROWS, FEATURES))
labels = np.arange(ROWS) * 7919 % 4
for start in range(0, ROWS, 8192):
    written[start : start + 8192] = labels[start : start + 8192, None] == np.arange(FEATURES) % 4
written.flush()
del written

def trained(X, y, threads):
    net = nn.Sequential(nn.Standardize(), nn.Dense(8), nn.BatchNorm(), nn.ReLU(), nn.Dense(4))
    trainer = fdl.Trainer(net, metrics=["accuracy"], threads=threads)
    trainer.fit(X, y, epochs=1, batch_size=256, validation_split=0.25, progress=False)
    return trainer

X = np.load("x.npy", mmap_mode="r")
trained(np.array(X[:512]), labels[:512], 2)  # modules and threads are there before the limit is
private = next(line for line in open("/proc/self/status") if line.startswith("VmData")).split()[1]
limit = int(private) * 1024 + 32 * MIB
assert X.nbytes == 128 * MIB
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
"""


@linux
def test_trains_from_a_memory_map_that_is_larger_than_memory_may_be(tmp_path: Path) -> None:
    code = f"""
import os
os.chdir({str(tmp_path)!r})
{MAPPED}
try:
    np.array(X)
except MemoryError:
    print("a copy does not fit")
trainer = trained(X, labels, 2)
print(trainer.net.predict(X).shape, trainer.evaluate(X, labels)["accuracy"], trainer.history["val_accuracy"])
"""
    assert run_python(code).stdout.splitlines() == ["a copy does not fit", "(262144, 4) 1.0 [1.0]"]


# Peak memory beyond what the process had before the trainer was made, in bytes, against
# 1.2 (copied data + 4 copies of the parameters, one more for best weights + activations of a batch).
PEAK = """
import resource
import numpy as np
import fastdl as fdl
from fastdl import callbacks, nn, optim

ROWS, FEATURES, WIDTH, BATCH = 1024, 500, 1500, 64
layers = [nn.Dense(WIDTH), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.2), nn.Dense(WIDTH), nn.Tanh(), nn.Dense(10)]
X = (np.arange(ROWS * FEATURES) % 31 / 31).astype({dtype!r}).reshape(ROWS, FEATURES)
y = np.arange(ROWS) % 10
small = nn.Sequential(nn.Dense(2), nn.BatchNorm(), nn.ReLU(), nn.Dense(10))
options = dict(epochs=2, progress=False, validation_split=0.2, callbacks=[{callbacks}])
fdl.Trainer(small, clip=optim.ClipNorm(1.0)).fit(X[:64], y[:64], **options)  # everything is imported now
page = resource.getpagesize()
before = int(open("/proc/self/statm").read().split()[1]) * page
net = nn.Sequential(*layers)
fdl.Trainer(net, clip=optim.ClipNorm(1.0)).fit(X, y, batch_size=BATCH, **options)
# Not ru_maxrss, which begins at that of the process that started this one.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
grown = 1024 * int(peak) - before
parameters = net.arena.nbytes
rows = max(BATCH, 256)  # of the validation
activations = 4 * rows * (FEATURES + 8 * WIDTH + 2 * 10)  # each output and its gradient
print(grown, 1.2 * ({copies} * parameters + activations), parameters)
"""


@linux
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", ">f4"])
@pytest.mark.parametrize("best", [False, True])
def test_a_fit_takes_four_copies_of_the_parameters(best: bool, dtype: str) -> None:
    code = PEAK.format(dtype=dtype, copies=5 if best else 4, callbacks="callbacks.EarlyStopping()" if best else "")
    grown, allowed, parameters = map(float, run_python(code).stdout.split())
    if np.dtype(dtype).byteorder == ">":
        allowed += 1.2 * 4 * 1024 * 500  # these have to be copied
    assert 3 * parameters < grown <= allowed, f"{grown / parameters:.2f} copies of the parameters"
