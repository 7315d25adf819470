import { DuckDBInstance } from '@duckdb/node-api'
import { digitalSourceType, markColumn, parquetMarks } from '@tributary/shared/synthetic-mark'

/** The keys under any of which a footer says that its rows are synthetic. */
const marks = `lower(decode(key)) = '${parquetMarks.synthetic}' AND lower(decode(value)) IN ('true', '1', 'yes')
  OR starts_with(lower(decode(key)), '${parquetMarks.synthetic}.')
  OR decode(value) = '${digitalSourceType}'`

/** Nothing is fetched from a network, whatever a file asks for. */
const settings = { threads: '1', autoinstall_known_extensions: 'false', autoload_known_extensions: 'false' }

/**
 * Whether a Parquet file says that its rows are synthetic: by a key of its footer or by the mark column. False where there is no
 * readable footer; DuckDB's words about it are dropped. Reads no row. `path` must hold no wildcard.
 */
export const isMarkedParquet = async (path: string): Promise<boolean> => {
  const file = `'${path.replaceAll("'", "''")}'`
  const instance = await DuckDBInstance.create(':memory:', settings)
  const connection = await instance.connect()
  const isAny = async (query: string): Promise<boolean> => {
    try {
      return (await (await connection.run(query)).getRows()).length > 0
    } catch {
      return false
    }
  }
  try {
    const isNamed = await isAny(`SELECT 1 FROM parquet_schema(${file}) WHERE lower(name) = '${markColumn}'`)
    return isNamed || (await isAny(`SELECT 1 FROM parquet_kv_metadata(${file}) WHERE ${marks}`))
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
