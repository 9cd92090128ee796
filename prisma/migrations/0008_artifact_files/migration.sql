-- AlterTable
ALTER TABLE "artifact" ADD COLUMN     "files" JSONB;
