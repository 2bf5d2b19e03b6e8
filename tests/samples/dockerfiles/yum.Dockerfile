FROM rockylinux:9.3.20231119
RUN dnf install -y python3.11
USER 1000
