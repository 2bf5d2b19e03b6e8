import click


@click.command()
@click.option("--count", default=1)
def main(count: int) -> None:
    click.echo("x" * count)
