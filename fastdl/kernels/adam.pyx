"""Steps of Adam and its kin on one array, in place: rates from bias-corrected moments of the gradient."""
from fastdl.kernels._hyper cimport (
    ADAM, ADAMAX, AMSGRAD, NADAM, RADAM, Kind, Scalars, decay_rate, finite, scalars, step_number,
)
from fastdl.kernels._update cimport update_now


cdef Scalars moments(Kind kind, object beta1, object beta2, object eps, object weight_decay,
                     bint decoupled) except *:
    cdef Scalars s = scalars(kind, weight_decay, eps)
    s.beta1 = decay_rate(beta1, "beta1")
    s.beta2 = decay_rate(beta2, "beta2")
    s.decoupled = decoupled
    return s


def adam_update(w, g, m, v, lr, beta1, beta2, eps, step, weight_decay=0.0,
                bint decoupled=False, grad_scale=1.0, vmax=None) -> None:
    """One step of Adam (Kingma & Ba 2015), or of AdamW (Loshchilov & Hutter 2019) with decoupled decay, in place.

    g' = grad_scale g + weight_decay w (coupled); m = beta1 m + (1 - beta1) g'; v = beta2 v + (1 - beta2) g'^2;
    w -= lr mhat / (sqrt(vhat) + eps), where mhat = m / (1 - beta1^step) and vhat = v / (1 - beta2^step). Decoupled:
    w *= 1 - lr weight_decay before that, and nothing is added to g'. With vmax, AMSGrad (Reddi et al. 2018):
    vmax = max(vmax, v) takes the place of v in vhat.

    Parameters
    ----------
    w, m, v : ndarray, float32, C-contiguous
        Parameters, first and second moment, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2, eps : float
        beta1 and beta2 in [0, 1).
    step : int
        From 1.
    weight_decay, grad_scale : float
    decoupled : bool
    vmax : ndarray, float32, shape of w, optional
        The largest second moment so far; changed in place.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = moments(ADAM if vmax is None else AMSGRAD, beta1, beta2, eps, weight_decay, decoupled)
    update_now(s, lr, step_number(step), grad_scale, w, g, ("m", "v", "vmax"), (m, v) if vmax is None else (m, v, vmax))


def adamax_update(w, g, m, u, lr, beta1, beta2, eps, step, weight_decay=0.0, grad_scale=1.0) -> None:
    """One step of Adamax (Kingma & Ba 2015, section 7.1; eps as torch has it), in place.

    g' = grad_scale g + weight_decay w; m = beta1 m + (1 - beta1) g'; u = max(beta2 u, |g'| + eps);
    w -= lr / (1 - beta1^step) m / u.

    Parameters
    ----------
    w, m, u : ndarray, float32, C-contiguous
        Parameters, first moment and largest gradient, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2, eps : float
        beta1 and beta2 in [0, 1).
    step : int
        From 1.
    weight_decay, grad_scale : float

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = moments(ADAMAX, beta1, beta2, eps, weight_decay, False)
    update_now(s, lr, step_number(step), grad_scale, w, g, ("m", "u"), (m, u))


def nadam_update(w, g, m, v, lr, beta1, beta2, eps, step, weight_decay=0.0,
                 bint decoupled=False, grad_scale=1.0, momentum_decay=4e-3) -> None:
    """One step of NAdam (Dozat 2016), in place.

    Moments and decay as in `adam_update`. With the rates mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2) and their
    product M_t over the steps 1 .. t, w -= lr (mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g' / (1 - M_t)) /
    (sqrt(vhat) + eps). The product is computed in float64 from t alone.

    Parameters
    ----------
    w, m, v : ndarray, float32, C-contiguous
        Parameters, first and second moment, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2, eps : float
        beta1 and beta2 in [0, 1).
    step : int
        From 1.
    weight_decay, grad_scale : float
    decoupled : bool
    momentum_decay : float
        How fast the rates rise to beta1.

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = moments(NADAM, beta1, beta2, eps, weight_decay, decoupled)
    s.momentum_decay = finite(momentum_decay, "momentum_decay")
    update_now(s, lr, step_number(step), grad_scale, w, g, ("m", "v"), (m, v))


def radam_update(w, g, m, v, lr, beta1, beta2, eps, step, weight_decay=0.0,
                 bint decoupled=False, grad_scale=1.0) -> None:
    """One step of RAdam (Liu et al. 2020; eps as torch has it), in place.

    Moments, mhat and decay as in `adam_update`. With R = 2 / (1 - beta2) - 1, the number of steps that v can remember,
    and r = R - 2 step beta2^step / (1 - beta2^step), that of those it does: if r > 5, w -= lr mhat
    sqrt((r - 4)(r - 2) R / ((R - 4)(R - 2) r)) sqrt(1 - beta2^step) / (sqrt(v) + eps), else w -= lr mhat.

    Parameters
    ----------
    w, m, v : ndarray, float32, C-contiguous
        Parameters, first and second moment, of one shape; changed in place.
    g : array_like, shape of w
        Gradient; not changed.
    lr, beta1, beta2, eps : float
        beta1 and beta2 in [0, 1).
    step : int
        From 1.
    weight_decay, grad_scale : float
    decoupled : bool

    Raises
    ------
    ValueError, TypeError
        If an argument will not do; nothing has changed then.
    """
    cdef Scalars s = moments(RADAM, beta1, beta2, eps, weight_decay, decoupled)
    update_now(s, lr, step_number(step), grad_scale, w, g, ("m", "v"), (m, v))
