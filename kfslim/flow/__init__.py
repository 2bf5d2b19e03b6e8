"""The stages joined: what the command line and the components call.

Here, and only here, stores are opened and values are handed from stage to stage.
"""
