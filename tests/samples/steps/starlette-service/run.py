from step import call

assert call() == {"ready": True}
