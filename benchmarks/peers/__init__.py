"""The standard training step of fastdl and of its peers, measured in turns.

A hidden layer is Dense, batch norm, ReLU and dropout of 0.2; the head is Dense. A step gathers the rows of a shuffled
index, goes forward, takes the cross-entropy, goes backward, clips the gradient to a global norm of 1 and updates with
Adam at a rate of 0.001. scikit-learn knows neither batch norm nor dropout nor clipping and leaves them out; where a
case is called plain, all do.

One module per peer, ``<name>_step.py``, with one function::

    start(case, rows, labels, threads) -> Training

``rows`` is float32 (n, inputs), ``labels`` int64 (n,). It runs in a process of its own (``worker.py``), which the
parent (``turns.py``) asks for a few epochs at a time while all the others are asleep.
"""
