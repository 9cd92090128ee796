-- AlterTable
ALTER TABLE "candidate" ALTER COLUMN "seed" DROP NOT NULL;
