-- CreateTable
CREATE TABLE "export" (
    "run_id" UUID NOT NULL,
    "source_id" UUID NOT NULL,
    "version" TEXT NOT NULL,
    "layout" TEXT NOT NULL,
    "writer" TEXT NOT NULL,

    CONSTRAINT "export_pkey" PRIMARY KEY ("run_id")
);

-- CreateIndex
CREATE UNIQUE INDEX "export_source_id_version_layout_writer_key" ON "export"("source_id", "version", "layout", "writer");

-- AddForeignKey
ALTER TABLE "export" ADD CONSTRAINT "export_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "export" ADD CONSTRAINT "export_source_id_fkey" FOREIGN KEY ("source_id") REFERENCES "run"("id") ON DELETE CASCADE ON UPDATE CASCADE;
