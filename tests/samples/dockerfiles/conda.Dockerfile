FROM continuumio/miniconda3:24.5.0-0
COPY environment.yml .
RUN conda env create -f environment.yml
USER 1000
