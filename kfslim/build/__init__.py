"""Plan → images: daemonless assembly, and bases made of Debian packages."""
