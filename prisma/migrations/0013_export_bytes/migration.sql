-- AlterTable
ALTER TABLE "export" ADD COLUMN     "bytes" BIGINT;

-- Of those that were made before
UPDATE "export" SET "bytes" = (SELECT sum("bytes") FROM "artifact" WHERE "run_id" = "export"."run_id");
