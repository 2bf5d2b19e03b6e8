"""Bases and OS packages from a Debian archive: verified, unpacked, no maintainer script run."""
