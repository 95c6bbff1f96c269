"""A function run once on recording arrays, and from then on as a flat program of NumPy calls: `gm.replay`.

In the order of reading:

program      what is recorded: steps, each with the steps it needs
recorded     the arrays that record: one more array type under the tape (`arrays.KINDS`)
operators    their operators
recorder     one run's notes: steps of the program, constants, guards, writes
known        which functions are recorded, in which normal form; all others are refused by name
surroundings what the function sees besides its arguments: read anew and guarded at every call
compared     the same at a call: read, put there, compared
homes        whose a class or a module is: what is looked into
code         which names a function uses, by its instructions
unsteady     what gives something else from call to call: clocks, iterators, weak links
elsewhere    arrays that somebody unseen holds too
call         one call's arguments: the inputs of a program, what its head asks
recording    one run of a function on recording arrays: arguments in, program out
alike        whether two recordings are one program, and two values the same but for rounding
simplify     dead steps, equal steps, constants, algebra that is exact
emit         the program as straight-line Python, its buffers by lifetime
replay       `gm.replay` itself: which program serves a call, what to do where none does
"""
