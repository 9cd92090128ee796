-- AlterEnum
ALTER TYPE "run_status" ADD VALUE 'paused' AFTER 'running';

-- CreateEnum
CREATE TYPE "run_priority" AS ENUM ('low', 'normal', 'high');

-- AlterTable
ALTER TABLE "run" ADD COLUMN     "priority" "run_priority" NOT NULL DEFAULT 'normal';

-- AlterTable
ALTER TABLE "task" ADD COLUMN     "held_by" TEXT,
ADD COLUMN     "given_up_at" TIMESTAMPTZ(6);

-- CreateIndex
CREATE INDEX "task_given_up_at_id_idx" ON "task"("given_up_at", "id");
