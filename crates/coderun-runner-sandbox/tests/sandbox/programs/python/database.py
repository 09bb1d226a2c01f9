import sqlite3

connection = sqlite3.connect("shop.db")
connection.executescript(
    """
    create table items (id integer primary key, name text unique, price real);
    create table orders (item integer references items (id), amount integer);
    """
)
connection.executemany("insert into items (name, price) values (?, ?)", [("pen", 1.5), ("book", 12), ("lamp", 30)])
connection.executemany("insert into orders values (?, ?)", [(1, 10), (2, 1), (1, 5)])
connection.commit()
for row in connection.execute(
    "select name, sum(amount * price) as total from orders join items on id = item group by name order by total desc"
):
    print(row)
try:
    with connection:
        connection.execute("insert into items (name) values ('ink')")
        connection.execute("insert into items (name) values ('pen')")
except sqlite3.IntegrityError as error:
    print(error)
print(connection.execute("select count(*) from items").fetchone())
