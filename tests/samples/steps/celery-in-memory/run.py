from step import submit

assert submit() == 5
