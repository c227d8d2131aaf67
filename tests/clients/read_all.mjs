// Reads what a published file holds with @duckdb/node-api; its arguments are the file and the queries.
import { DuckDBInstance } from "@duckdb/node-api";

const [path, about] = process.argv.slice(-2);
const instance = await DuckDBInstance.create(path, { access_mode: "READ_ONLY" });
const connection = await instance.connect();

// In JSON the library writes whole numbers of 64 bits and decimals as texts.
async function read(sql) {
    const reader = await connection.runAndReadAll(sql);
    const isBig = reader.columnTypes().map((type) => String(type) === "BIGINT");
    return reader.getRowsJson().map((row) =>
        row.map((value, column) => (isBig[column] && value !== null ? Number(value) : value)));
}

const found = {};
for (const [part, sql] of Object.entries(JSON.parse(about))) {
    found[part] = await read(sql);
}
found.rows = {};
for (const [name] of found.tables) {
    found.rows[name] = await read(`select * from ${name} order by all`);
}
console.log(JSON.stringify(found));
