"""What runs in a trial's namespaces before its command: the standard library, and nothing else.

It is started by a Python without site-packages, so nothing here may import more of kfslim than its
neighbours.
"""
