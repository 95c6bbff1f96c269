"""scipy.optimize: what it finds has no derivative here; one sentence says so, and names gm.numeric."""

from __future__ import annotations

from scipy import optimize

from ..ordered import follows_not

follows_not(optimize, "minimize minimize_scalar root root_scalar fsolve brentq brenth bisect ridder newton toms748 "
            "fixed_point least_squares curve_fit leastsq differential_evolution basinhopping dual_annealing shgo "
            "direct brute fmin fmin_bfgs fmin_cg fmin_l_bfgs_b fmin_powell fmin_slsqp fmin_tnc fminbound brent "
            "golden linprog nnls lsq_linear milp linear_sum_assignment broyden1 broyden2 anderson newton_krylov")
