"""One file per method: its parameters, its paper, how it joins plans and kernels."""
