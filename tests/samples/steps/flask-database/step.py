from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = "postgresql+pg8000://reader@warehouse/sales"
db = SQLAlchemy(app)


def driver() -> str:
    with app.app_context():
        return db.engine.dialect.driver
