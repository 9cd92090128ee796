/** The Prisma client over node-postgres. */
import { PrismaPg } from '@prisma/adapter-pg';
import { type Prisma, PrismaClient } from './generated/client.ts';

export type Store = PrismaClient;
/** Inside a transaction. */
export type Transaction = Prisma.TransactionClient;

export function openStore(url: string): Store {
  return new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: 8 }) });
}

/** One statement's rows, typed by the caller. */
export function query<Row>(store: Store | Transaction, sql: string, ...values: unknown[]): Promise<Row[]> {
  return store.$queryRawUnsafe<Row[]>(sql, ...values);
}
