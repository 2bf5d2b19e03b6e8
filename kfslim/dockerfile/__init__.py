"""Plans as Dockerfiles: an ``ImagePlan`` goes in, a Dockerfile and its context come out."""
