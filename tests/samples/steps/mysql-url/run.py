from step import driver

assert driver("db") == "pymysql"
