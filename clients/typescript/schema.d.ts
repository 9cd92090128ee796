/** Written by `npm run clients`; not by hand. */
export interface paths {
    "/healthz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The process answers */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @enum {string} */
                            status: "ok";
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Prometheus metrics of the process, the queue, runs and stages */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/readyz": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Database, migrations and the folder of images can be used */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description What the service waits for */
                            lacking: string[];
                            /** @enum {unknown} */
                            status: "ready" | "not ready";
                        };
                    };
                };
                /** @description Default Response */
                503: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description What the service waits for */
                            lacking: string[];
                            /** @enum {unknown} */
                            status: "ready" | "not ready";
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/annotation-sets": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                count: number;
                                /** Format: date-time */
                                createdAt: string;
                                name: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/annotation-sets/{name}/annotations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Name of the annotation set */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: unknown[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Ingest LAION-SG annotations
         * @description NDJSON or a JSON array, gzip or not, of any length. Records are upserted by img_id; a bad one is reported and stored nowhere, and stops no other.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the annotation set */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            inserted: number;
                            /** @description Records in the body */
                            received: number;
                            rejected: number;
                            /** @description The first 1000 */
                            rejections: {
                                /** @description Path of the wrong field; empty: the record as a whole */
                                field: string;
                                /** @description Line of the (unpacked) body where the record starts */
                                line: number;
                                reason: string;
                            }[];
                            unchanged: number;
                            updated: number;
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/annotation-sets/{name}/prompts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Take a benchmark's prompts as annotations
         * @description DPG-Bench's CSV or a prompt file of T2I-CompBench, gzip or not. All of the file is stored, or none of it and the answer tells line and column of what is wrong.
         */
        post: {
            parameters: {
                query: {
                    /** @description Of t2i-compbench's files, which don't name it */
                    category?: "color" | "shape" | "texture" | "spatial" | "3d_spatial" | "numeracy" | "non_spatial" | "complex";
                    /** @description Whose file it is */
                    format: "dpg-bench" | "t2i-compbench";
                };
                header?: never;
                path: {
                    /** @description Name of the annotation set */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            inserted: number;
                            /** @description Prompts in the file */
                            received: number;
                            unchanged: number;
                            updated: number;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/blobs/{sha256}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** An image by its content hash */
        get: {
            parameters: {
                query?: {
                    /** @description Pixels to shrink a wider image to, as WebP */
                    width?: 64 | 128 | 256 | 512;
                };
                header?: never;
                path: {
                    sha256: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/candidates/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** A candidate with the evidence of its scores */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Tasks of all runs that were given up, with the reason of each, the newest first */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                at: string;
                                attempts: number;
                                id: string;
                                /** @description img_id of what the run goes on without; empty: it can not go on without this task */
                                lost: string[];
                                reason: string;
                                runId: string;
                                stage: string;
                                /** @description Of the stage, that it stood for */
                                units: number;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/dead-letters/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try one of them again, while its run has not gone on without it */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Dead letter */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Exports of all runs, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                annotationSet: string;
                                /** @description Of all files; null until it has succeeded */
                                bytes: number | null;
                                createdAt: string;
                                error: string | null;
                                finishedAt: string | null;
                                /** @description Finished share, 0 to 1 */
                                fraction: number;
                                id: string;
                                layout: string;
                                /** @description An export is a run: its log, cancel and retry are those of the run of its id */
                                links: {
                                    /** @description POST */
                                    cancel: string;
                                    events: string;
                                    /** @description Null until it has succeeded */
                                    files: string | null;
                                    manifest: string | null;
                                    /** @description POST */
                                    retry: string;
                                    self: string;
                                };
                                /** @description Reward, pairs and score versions */
                                policy: unknown;
                                /** @description The run whose candidates it holds */
                                run: string;
                                /** @description Null once it has ended */
                                secondsLeft: number | null;
                                status: string;
                                /** @description sha256 over everything that its rows are made from */
                                version: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Export */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            /** @description Of all files; null until it has succeeded */
                            bytes: number | null;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            /** @description Finished share, 0 to 1 */
                            fraction: number;
                            id: string;
                            layout: string;
                            /** @description An export is a run: its log, cancel and retry are those of the run of its id */
                            links: {
                                /** @description POST */
                                cancel: string;
                                events: string;
                                /** @description Null until it has succeeded */
                                files: string | null;
                                manifest: string | null;
                                /** @description POST */
                                retry: string;
                                self: string;
                            };
                            /** @description Reward, pairs and score versions */
                            policy: unknown;
                            /** @description The run whose candidates it holds */
                            run: string;
                            /** @description Null once it has ended */
                            secondsLeft: number | null;
                            status: string;
                            /** @description sha256 over everything that its rows are made from */
                            version: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        /** Delete an export with its files, or give up one that is under way */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Export */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{id}/files": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Files of an export, with size and SHA-256; none until it has succeeded */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Export */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                bytes: number;
                                link: string;
                                name: string;
                                sha256: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/exports/{id}/files/{*}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Download a file, or a range of it
         * @description Range, If-Range and If-None-Match are heeded; the ETag is the SHA-256.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    "*": string;
                    /** @description Export */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                206: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": unknown;
                    };
                };
                /** @description Default Response */
                416: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/imports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Import images with what is known of them
         * @description An import is a run: its id is that of the run, whose routes watch, cancel and retry it. Nothing of it is in the store before all of it is.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Set that the annotations go to; of images the set that has them already */
                        annotationSet: string;
                        /**
                         * @description What it is (docs/imports.md)
                         * @enum {unknown}
                         */
                        as: "pickapic" | "diptych" | "images";
                        /** @description File or folder on the server */
                        path?: string;
                        /**
                         * @description Score the images as a curation does
                         * @default false
                         */
                        score?: boolean;
                        /**
                         * @description How images are scored, and what runs and exports take as reward and pairs
                         * @default {}
                         */
                        settings?: {
                            /**
                             * @description CLIPModel for CLIP score: "sample" or a folder
                             * @default sample
                             */
                            clip?: string;
                            /** @default {} */
                            pairs?: {
                                /**
                                 * @description Largest difference of rewards that is a tie
                                 * @default 0.05
                                 */
                                margin?: number;
                                /**
                                 * @description Which candidates are compared
                                 * @default all
                                 * @enum {unknown}
                                 */
                                policy?: "all" | "best-worst" | "best-rest";
                                /**
                                 * @description What becomes of ties
                                 * @default drop
                                 * @enum {unknown}
                                 */
                                ties?: "drop" | "keep";
                            };
                            /**
                             * @description CLIPModel for PickScore: "sample" or a folder
                             * @default sample
                             */
                            pick?: string;
                            /** @default {} */
                            reward?: {
                                /**
                                 * @description How metrics become one number
                                 * @default mean
                                 * @enum {unknown}
                                 */
                                policy?: "mean" | "zmean" | "dominance";
                                /**
                                 * @description Weight of each metric (dpg, sg-iou, entity-iou, relation-iou, t2i-blip-vqa, t2i-2d-spatial, t2i-clip, clip-score, pickscore, hpsv2, aesthetic, image-reward, t2i-3in1); metrics not named have no say
                                 * @default {
                                 *       "dpg": 1,
                                 *       "t2i-3in1": 1
                                 *     }
                                 */
                                weights?: {
                                    [key: string]: number;
                                };
                            };
                            /** @default {} */
                            scoring?: {
                                /** @description Folder of LAION's aesthetic predictor, for the metric aesthetic; absent: not measured */
                                aesthetic?: string;
                                /**
                                 * @description Answers questions: "sample" (the sample world's reader), or a BLIP-VQA folder
                                 * @default sample
                                 */
                                answerer?: string;
                                /**
                                 * @description Finds objects: "sample" (the sample world's reader), or an OWL-ViT folder
                                 * @default sample
                                 */
                                detector?: string;
                                endpoint?: {
                                    /**
                                     * @description Requests at once
                                     * @default 4
                                     */
                                    concurrency?: number;
                                    /** @description Its name there */
                                    model: string;
                                    /**
                                     * @description For one try
                                     * @default 60
                                     */
                                    timeoutSeconds?: number;
                                    /**
                                     * @description Of one request, with growing waits between them
                                     * @default 5
                                     */
                                    tries?: number;
                                    /** @description Base URL of a server with OpenAI chat completions: https://api.openai.com/v1; credentials come from the environment (docs/remote.md) */
                                    url: string;
                                };
                                /** @description Folder of HPSv2 (a CLIP), for the metric hpsv2; absent: not measured */
                                hps?: string;
                                /** @description Folder of ImageReward, for the metric image-reward; absent: not measured */
                                imageReward?: string;
                                /**
                                 * @description fixed: known defects of the benchmarks mended; compat: bug for bug
                                 * @default fixed
                                 * @enum {unknown}
                                 */
                                mode?: "fixed" | "compat";
                            };
                        };
                        /** @description In its place: name of what was sent to /v1/uploads */
                        upload?: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                annotationSet: string;
                                createdAt: string;
                                error: string | null;
                                finishedAt: string | null;
                                id: string;
                                kind: string;
                                /**
                                 * @description Whose tasks go first
                                 * @enum {unknown}
                                 */
                                priority: "low" | "normal" | "high";
                                /** @description Null once the run has ended, and while it is paused */
                                secondsLeft: number | null;
                                settings: unknown;
                                stages: {
                                    done: number;
                                    /** @description Of done: candidates that failed alone, see /failures */
                                    dropped: number;
                                    /** @description Units of failed tasks */
                                    failed: number;
                                    finishedAt: string | null;
                                    /** @description Finished share, running work included */
                                    fraction: number;
                                    name: string;
                                    /** @description Later by the time it was paused */
                                    startedAt: string | null;
                                    status: string;
                                    /** @description Units of work, such as candidates */
                                    total: number;
                                }[];
                                status: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /** Ask for a run */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Name of the annotation set */
                        annotationSet: string;
                        /**
                         * @description What to do
                         * @enum {unknown}
                         */
                        kind: "curate" | "train" | "curate-then-train" | "evaluate";
                        /**
                         * @description Whose tasks go first where several runs share the workers (docs/sharing.md)
                         * @default normal
                         * @enum {unknown}
                         */
                        priority?: "low" | "normal" | "high";
                        /** @default {} */
                        settings?: {
                            /**
                             * @description Images per annotation
                             * @default 4
                             */
                            candidates?: number;
                            /**
                             * @description CLIPModel for CLIP score: "sample" or a folder
                             * @default sample
                             */
                            clip?: string;
                            /** @description evaluate: two models, in the place of sourceRun */
                            compare?: {
                                /** @description "sample", a folder in diffusers layout on the server, or the folder of a LoRA, which is laid over settings.model */
                                base: string;
                                /** @description Likewise */
                                tuned: string;
                            };
                            /** @default {} */
                            evaluation?: {
                                /** @description Draw the tuned side's images with a sampling demon that follows the reward; left out: as the base's */
                                demon?: {
                                    /**
                                     * @description Tried in each step, every one with a scored image
                                     * @default 16
                                     */
                                    noises?: number;
                                    /** @description In units of the reward; left out: the deviation of a step's rewards */
                                    temperature?: number;
                                    /**
                                     * @description Of the noises by their rewards
                                     * @default tanh
                                     * @enum {unknown}
                                     */
                                    weighting?: "tanh" | "boltzmann";
                                };
                                /** @description pytorch-fid's weights as a safetensors file; absent: no FID */
                                inception?: string;
                                /** @description Folder of photographs (PNG, JPEG, WebP) to take Frechet distances from; absent: not measured */
                                realImages?: string;
                                /**
                                 * @description Images per held-out annotation and model
                                 * @default 1
                                 */
                                samples?: number;
                            };
                            generator?: {
                                /**
                                 * @description What the server speaks
                                 * @enum {unknown}
                                 */
                                api: "automatic1111" | "openai-images";
                                /**
                                 * @description Requests at once
                                 * @default 4
                                 */
                                concurrency?: number;
                                /**
                                 * @description Pixels of every image
                                 * @default 512
                                 */
                                height?: number;
                                /** @description Its name there; absent: the server's own choice */
                                model?: string;
                                /**
                                 * @description automatic1111 alone
                                 * @default
                                 */
                                negativePrompt?: string;
                                /**
                                 * @description automatic1111 alone: its name there
                                 * @default DDIM
                                 */
                                sampler?: string;
                                /**
                                 * @description For one try
                                 * @default 300
                                 */
                                timeoutSeconds?: number;
                                /**
                                 * @description Of one request, with growing waits between them
                                 * @default 5
                                 */
                                tries?: number;
                                /** @description Base URL: http://127.0.0.1:7860, https://api.openai.com/v1; credentials come from the environment (docs/remote.md) */
                                url: string;
                                /**
                                 * @description Pixels of every image
                                 * @default 512
                                 */
                                width?: number;
                            };
                            /**
                             * @description Share of the annotations kept out of curation and training, for evaluation
                             * @default 0.2
                             */
                            heldOutFraction?: number;
                            /**
                             * @description Text-to-image model: "sample", or a folder in diffusers layout on the server
                             * @default sample
                             */
                            model?: string;
                            /** @default {} */
                            pairs?: {
                                /**
                                 * @description Largest difference of rewards that is a tie
                                 * @default 0.05
                                 */
                                margin?: number;
                                /**
                                 * @description Which candidates are compared
                                 * @default all
                                 * @enum {unknown}
                                 */
                                policy?: "all" | "best-worst" | "best-rest";
                                /**
                                 * @description What becomes of ties
                                 * @default drop
                                 * @enum {unknown}
                                 */
                                ties?: "drop" | "keep";
                            };
                            /**
                             * @description CLIPModel for PickScore: "sample" or a folder
                             * @default sample
                             */
                            pick?: string;
                            /** @default {} */
                            reward?: {
                                /**
                                 * @description How metrics become one number
                                 * @default mean
                                 * @enum {unknown}
                                 */
                                policy?: "mean" | "zmean" | "dominance";
                                /**
                                 * @description Weight of each metric (dpg, sg-iou, entity-iou, relation-iou, t2i-blip-vqa, t2i-2d-spatial, t2i-clip, clip-score, pickscore, hpsv2, aesthetic, image-reward, t2i-3in1); metrics not named have no say
                                 * @default {
                                 *       "dpg": 1,
                                 *       "t2i-3in1": 1
                                 *     }
                                 */
                                weights?: {
                                    [key: string]: number;
                                };
                            };
                            /** @default {} */
                            sampling?: {
                                /**
                                 * @description Classifier-free guidance scale; 1: none
                                 * @default 3
                                 */
                                guidance?: number;
                                /**
                                 * @description DDIM steps
                                 * @default 20
                                 */
                                steps?: number;
                            };
                            /** @default {} */
                            scoring?: {
                                /** @description Folder of LAION's aesthetic predictor, for the metric aesthetic; absent: not measured */
                                aesthetic?: string;
                                /**
                                 * @description Answers questions: "sample" (the sample world's reader), or a BLIP-VQA folder
                                 * @default sample
                                 */
                                answerer?: string;
                                /**
                                 * @description Finds objects: "sample" (the sample world's reader), or an OWL-ViT folder
                                 * @default sample
                                 */
                                detector?: string;
                                endpoint?: {
                                    /**
                                     * @description Requests at once
                                     * @default 4
                                     */
                                    concurrency?: number;
                                    /** @description Its name there */
                                    model: string;
                                    /**
                                     * @description For one try
                                     * @default 60
                                     */
                                    timeoutSeconds?: number;
                                    /**
                                     * @description Of one request, with growing waits between them
                                     * @default 5
                                     */
                                    tries?: number;
                                    /** @description Base URL of a server with OpenAI chat completions: https://api.openai.com/v1; credentials come from the environment (docs/remote.md) */
                                    url: string;
                                };
                                /** @description Folder of HPSv2 (a CLIP), for the metric hpsv2; absent: not measured */
                                hps?: string;
                                /** @description Folder of ImageReward, for the metric image-reward; absent: not measured */
                                imageReward?: string;
                                /**
                                 * @description fixed: known defects of the benchmarks mended; compat: bug for bug
                                 * @default fixed
                                 * @enum {unknown}
                                 */
                                mode?: "fixed" | "compat";
                            };
                            /**
                             * @description Decides every random choice of the run
                             * @default 1
                             */
                            seed?: number;
                            /**
                             * Format: uuid
                             * @description train: the run whose candidates are used; evaluate: the run whose tuned model is used
                             */
                            sourceRun?: string;
                            /** @default {} */
                            train?: {
                                /**
                                 * @description Parts that the pairs of a step are computed in: less memory, the same step
                                 * @default 1
                                 */
                                accumulate?: number;
                                /** @description Tie to the reference, of mapo and dspo the weight of the preference; left out: the objective's own (docs/training.md) */
                                beta?: number;
                                /**
                                 * @description Steps between checkpoints; of ddpo and d3po the first end of a round behind them
                                 * @default 50
                                 */
                                checkpointEvery?: number;
                                /** @description Decay of an average of the weights, which is then the tuned model; left out: no average */
                                ema?: number;
                                /** @description Trainer of the server that trains instead, by its name (docs/external-trainers.md) */
                                external?: string;
                                /**
                                 * @description Form of inversion-dpo (docs/training.md)
                                 * @default shared-noise
                                 * @enum {unknown}
                                 */
                                form?: "shared-noise" | "published" | "negated" | "transition" | "endpoint";
                                /** @description Weights that stay as they are: patterns of UNet names, * for anything; not with lora */
                                freeze?: string[];
                                /**
                                 * @description Less memory for up to a third more time
                                 * @default false
                                 */
                                gradientCheckpointing?: boolean;
                                /** @description Guidance of inversion, predictions and the images that ddpo and d3po draw; left out: the objective's own (docs/training.md) */
                                guidance?: number;
                                /**
                                 * @description Grid points of a trajectory
                                 * @default 20
                                 */
                                inversionSteps?: number;
                                /** @description Of them, evenly spaced, that are stored and trained on: less disk; left out: all */
                                keptTimesteps?: number;
                                /**
                                 * @description After warm-up
                                 * @default 0.000015
                                 */
                                learningRate?: number;
                                /** @description Train a LoRA; left out: all weights */
                                lora?: {
                                    /** @description Changes are scaled by alpha / rank; left out: by 1 */
                                    alpha?: number;
                                    /**
                                     * @description Adapt convolutions as well as attention layers
                                     * @default false
                                     */
                                    convolutions?: boolean;
                                    /**
                                     * @description Of the changed weights
                                     * @default 8
                                     */
                                    rank?: number;
                                };
                                /**
                                 * @description Longer gradients are scaled down to it
                                 * @default 1
                                 */
                                maxGradNorm?: number;
                                /**
                                 * @description What is minimised (docs/training.md)
                                 * @default inversion-dpo
                                 * @enum {unknown}
                                 */
                                objective?: "inversion-dpo" | "diffusion-dpo" | "inpo" | "smpo" | "dspo" | "kto" | "mapo" | "sft" | "ddpo" | "d3po";
                                /** @description Rounds of ddpo and d3po: draw, score, train; left out: the defaults */
                                onPolicy?: {
                                    /**
                                     * @description DDIM steps of an image, with eta 1
                                     * @default 20
                                     */
                                    samplingSteps?: number;
                                    /**
                                     * @description Annotations of a round; each is drawn twice
                                     * @default 16
                                     */
                                    scenesPerRound?: number;
                                    /**
                                     * @description Optimizer steps on a round before the next one is drawn
                                     * @default 2
                                     */
                                    stepsPerRound?: number;
                                };
                                /**
                                 * @description adafactor: no first moment, less memory
                                 * @default adamw
                                 * @enum {unknown}
                                 */
                                optimizer?: "adamw" | "adafactor";
                                /**
                                 * @description Pairs per optimizer step; of ddpo and d3po two sampling steps for each
                                 * @default 16
                                 */
                                pairsPerStep?: number;
                                /**
                                 * @description Of matrix products and convolutions in a step; bfloat16: of a processor or GPU that has it
                                 * @default float32
                                 * @enum {unknown}
                                 */
                                precision?: "float32" | "bfloat16";
                                /**
                                 * @description Pairs count by their difference of rewards
                                 * @default false
                                 */
                                rewardWeighted?: boolean;
                                /** @description Timesteps of a pair in a step; left out: all in the published forms of inversion-dpo, else 1 */
                                rowsPerPair?: number | "trajectory";
                                /**
                                 * @description Of the learning rate after warm-up
                                 * @default constant
                                 * @enum {unknown}
                                 */
                                schedule?: "constant" | "cosine";
                                /**
                                 * @description Optimizer steps
                                 * @default 200
                                 */
                                steps?: number;
                                /**
                                 * @description Grid points that a transition spans
                                 * @default 4
                                 */
                                stride?: number;
                                /**
                                 * @description Of inversion-dpo; left out: the released ones in its published forms, else none
                                 * @enum {unknown}
                                 */
                                timestepWeights?: "none" | "one-over-2-alpha-bar" | "b-over-a-squared";
                                /** @description Measure the model while it trains, and keep its best checkpoint; left out: never */
                                validation?: {
                                    /**
                                     * @description Curated annotations to draw and measure, which then make no pairs
                                     * @default 32
                                     */
                                    annotations?: number;
                                    /**
                                     * @description Steps between measurements; the base and the last step are measured too
                                     * @default 50
                                     */
                                    every?: number;
                                    /**
                                     * @description The tuned model: the best measured step by reward, or the last step
                                     * @default best
                                     * @enum {unknown}
                                     */
                                    tuned?: "best" | "last";
                                };
                                /**
                                 * @description Steps over which the learning rate rises
                                 * @default 20
                                 */
                                warmUp?: number;
                                /**
                                 * @description Of the optimizer
                                 * @default 0.01
                                 */
                                weightDecay?: number;
                            };
                        };
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                bytes: number;
                                /** @description Of a folder; to be downloaded below its name */
                                files?: {
                                    bytes: number;
                                    name: string;
                                    sha256: string;
                                }[];
                                name: string;
                                /** @description On the disk of the machine that made it */
                                path: string;
                                /** @description Of a folder: that of what sha256sum prints of its files */
                                sha256: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/artifacts/{*}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Download an artifact that is a file, or a range of it */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    "*": string;
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stop a run */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/candidates": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                    /** @description curated, or base and tuned of an evaluation */
                    variant?: "curated" | "base" | "tuned";
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                generation: unknown;
                                height: number;
                                id: string;
                                imgId: string;
                                prompt: string;
                                /** @description Raw values by metric */
                                scores: {
                                    [key: string]: number;
                                };
                                /** @description Null: imported, and unknown */
                                seed: number | null;
                                /** @description The image is at /v1/blobs/SHA256 */
                                sha256: string;
                                slot: number;
                                variant: string;
                                width: number;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The log of a run as server-sent events
         * @description Starts at the first event, or after the one named by the header Last-Event-ID; ends when the run has ended.
         */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/exports": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Exports of a run */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                annotationSet: string;
                                /** @description Of all files; null until it has succeeded */
                                bytes: number | null;
                                createdAt: string;
                                error: string | null;
                                finishedAt: string | null;
                                /** @description Finished share, 0 to 1 */
                                fraction: number;
                                id: string;
                                layout: string;
                                /** @description An export is a run: its log, cancel and retry are those of the run of its id */
                                links: {
                                    /** @description POST */
                                    cancel: string;
                                    events: string;
                                    /** @description Null until it has succeeded */
                                    files: string | null;
                                    manifest: string | null;
                                    /** @description POST */
                                    retry: string;
                                    self: string;
                                };
                                /** @description Reward, pairs and score versions */
                                policy: unknown;
                                /** @description The run whose candidates it holds */
                                run: string;
                                /** @description Null once it has ended */
                                secondsLeft: number | null;
                                status: string;
                                /** @description sha256 over everything that its rows are made from */
                                version: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Ask for a run's candidates in a layout
         * @description 201: a new export. 200: the same version was asked for in this layout before, and this is it. The version is computed here, from all annotations and scores of the run.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /** @description Candidates to leave out, each with its reason in dropped.jsonl; absent: none */
                        filters?: {
                            /** @description Candidates below it are left out */
                            minReward?: number;
                            /** @description The same for raw scores, by metric */
                            minScores?: {
                                [key: string]: number;
                            };
                            /** @description Images whose difference hash is at most this many of 64 bits away from an earlier one are left out */
                            nearDuplicates?: number;
                        };
                        /**
                         * @description What to write (docs/exports.md)
                         * @enum {unknown}
                         */
                        layout: "images" | "pickapic" | "binarized" | "image-reward" | "hpdv3" | "folders" | "webdataset" | "scores" | "arrow" | "quality";
                        /** @description Absent: the run's own */
                        pairs?: {
                            /**
                             * @description Largest difference of rewards that is a tie
                             * @default 0.05
                             */
                            margin?: number;
                            /**
                             * @description Which candidates are compared
                             * @default all
                             * @enum {unknown}
                             */
                            policy?: "all" | "best-worst" | "best-rest";
                            /**
                             * @description What becomes of ties
                             * @default drop
                             * @enum {unknown}
                             */
                            ties?: "drop" | "keep";
                        };
                        /** @description Absent: the run's own */
                        reward?: {
                            /**
                             * @description How metrics become one number
                             * @default mean
                             * @enum {unknown}
                             */
                            policy?: "mean" | "zmean" | "dominance";
                            /**
                             * @description Weight of each metric (dpg, sg-iou, entity-iou, relation-iou, t2i-blip-vqa, t2i-2d-spatial, t2i-clip, clip-score, pickscore, hpsv2, aesthetic, image-reward, t2i-3in1); metrics not named have no say
                             * @default {
                             *       "dpg": 1,
                             *       "t2i-3in1": 1
                             *     }
                             */
                            weights?: {
                                [key: string]: number;
                            };
                        };
                        /** @description Which scores count, by metric, as "MODE/VERSION"; metrics not named: the newest */
                        scores?: {
                            [key: string]: string;
                        };
                        /** @description Dataset version that must come out; a conflict when the data gives another one */
                        version?: string;
                        /** @description Revision of the votes that count, 0 for none; absent: those that stand now (docs/votes.md) */
                        votes?: number;
                        /**
                         * @description Library that writes Parquet
                         * @default hyparquet-writer
                         * @enum {unknown}
                         */
                        writer?: "hyparquet-writer" | "parquetjs-lite";
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            /** @description Of all files; null until it has succeeded */
                            bytes: number | null;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            /** @description Finished share, 0 to 1 */
                            fraction: number;
                            id: string;
                            layout: string;
                            /** @description An export is a run: its log, cancel and retry are those of the run of its id */
                            links: {
                                /** @description POST */
                                cancel: string;
                                events: string;
                                /** @description Null until it has succeeded */
                                files: string | null;
                                manifest: string | null;
                                /** @description POST */
                                retry: string;
                                self: string;
                            };
                            /** @description Reward, pairs and score versions */
                            policy: unknown;
                            /** @description The run whose candidates it holds */
                            run: string;
                            /** @description Null once it has ended */
                            secondsLeft: number | null;
                            status: string;
                            /** @description sha256 over everything that its rows are made from */
                            version: string;
                        };
                    };
                };
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            /** @description Of all files; null until it has succeeded */
                            bytes: number | null;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            /** @description Finished share, 0 to 1 */
                            fraction: number;
                            id: string;
                            layout: string;
                            /** @description An export is a run: its log, cancel and retry are those of the run of its id */
                            links: {
                                /** @description POST */
                                cancel: string;
                                events: string;
                                /** @description Null until it has succeeded */
                                files: string | null;
                                manifest: string | null;
                                /** @description POST */
                                retry: string;
                                self: string;
                            };
                            /** @description Reward, pairs and score versions */
                            policy: unknown;
                            /** @description The run whose candidates it holds */
                            run: string;
                            /** @description Null once it has ended */
                            secondsLeft: number | null;
                            status: string;
                            /** @description sha256 over everything that its rows are made from */
                            version: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/failures": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Candidates that failed alone, with the reason of each */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                imgId: string;
                                reason: string;
                                slot: number;
                                stage: string;
                                variant: string;
                                /** @description "image", "scores" (all of them), or the name of the metric */
                                what: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/items": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Annotations of a run with raw scores of their candidates, without evidence
         * @description In the order of img_id. Rewards and pairs follow from the scores and the policy that one likes.
         */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                    variant?: "curated" | "base" | "tuned";
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                candidates: {
                                    height: number;
                                    id: string;
                                    /** @description Raw values by metric */
                                    scores: {
                                        [key: string]: number;
                                    };
                                    /** @description Null: imported, and unknown */
                                    seed: number | null;
                                    /** @description The image is at /v1/blobs/SHA256 */
                                    sha256: string;
                                    slot: number;
                                    width: number;
                                }[];
                                /** @description What failed alone of it: "image", or a metric; see /failures */
                                failed: string[];
                                imgId: string;
                                /** @description Of its items, each once */
                                labels: string[];
                                prompt: string;
                                /** @description Predicates, each once */
                                relations: string[];
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/pairs.arrow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Pairs of curated candidates as an Arrow stream */
        get: {
            parameters: {
                query?: {
                    /** @description Names of the columns, with commas between; absent: all */
                    columns?: string;
                    /** @description Policy, margin and ties, as JSON, as an export takes it; absent: the run's own */
                    pairs?: string;
                    /** @description Policy and weights, as JSON, as an export takes it; absent: the run's own */
                    reward?: string;
                    /** @description Which scores count, as JSON, as an export takes it; absent: the newest */
                    scores?: string;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Keep the tasks of a run from the workers */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/priority": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let the tasks of a run go before or behind those of others */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description Whose tasks go first
                         * @enum {unknown}
                         */
                        priority: "low" | "normal" | "high";
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/quality": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The newest quality report of a run's candidates
         * @description Images are decoded for it, so it is made as an export: POST /v1/runs/{id}/exports {"layout": "quality"}.
         */
        get: {
            parameters: {
                query?: {
                    /** @description Dataset version that it must be about */
                    version?: string;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description The export that it was made as */
                            export: string;
                            /** @description What failed and why, the most frequent first, at most 50 */
                            failures: {
                                count: number;
                                reason: string;
                                stage: string;
                                /** @description "image", or the name of the metric */
                                what: string;
                            }[];
                            /** @description docs/quality.md says what each number means */
                            report: unknown;
                            /** @description Dataset version that it is about */
                            version: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Let a paused run go on */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Try what failed in a failed run again */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationSet: string;
                            createdAt: string;
                            error: string | null;
                            finishedAt: string | null;
                            id: string;
                            kind: string;
                            /**
                             * @description Whose tasks go first
                             * @enum {unknown}
                             */
                            priority: "low" | "normal" | "high";
                            /** @description Null once the run has ended, and while it is paused */
                            secondsLeft: number | null;
                            settings: unknown;
                            stages: {
                                done: number;
                                /** @description Of done: candidates that failed alone, see /failures */
                                dropped: number;
                                /** @description Units of failed tasks */
                                failed: number;
                                finishedAt: string | null;
                                /** @description Finished share, running work included */
                                fraction: number;
                                name: string;
                                /** @description Later by the time it was paused */
                                startedAt: string | null;
                                status: string;
                                /** @description Units of work, such as candidates */
                                total: number;
                            }[];
                            status: string;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/rewards.arrow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Curated candidates with scores and reward as an Arrow stream */
        get: {
            parameters: {
                query?: {
                    /** @description Names of the columns, with commas between; absent: all */
                    columns?: string;
                    /** @description Policy and weights, as JSON, as an export takes it; absent: the run's own */
                    reward?: string;
                    /** @description Which scores count, as JSON, as an export takes it; absent: the newest */
                    scores?: string;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/scores.arrow": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** All scores as an Arrow stream: a row per candidate and metric */
        get: {
            parameters: {
                query?: {
                    /** @description Names of the columns, with commas between; absent: all */
                    columns?: string;
                    /** @description curated, or base and tuned of an evaluation */
                    variant?: "curated" | "base" | "tuned";
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/telemetry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Curves of the training, also while it runs
         * @description Longer curves than `maxPoints` are cut into spans, of which the least and the greatest value are kept.
         */
        get: {
            parameters: {
                query?: {
                    /** @description With the curves of single timestep ranges; a long training is sooner read without */
                    buckets?: boolean;
                    /** @description Most points of each curve */
                    maxPoints?: number;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            alarms: {
                                /** @enum {unknown} */
                                kind: "no-gradient" | "both-sides-drift" | "loss-spike" | "accuracy-stuck" | "reward-below-base";
                                message: string;
                                step: number;
                            }[];
                            /** @description Of those measured after step 0, the one of the highest validation reward; null: none yet */
                            bestStep: number | null;
                            /** @description By name; docs/training.md says what each means */
                            curves: {
                                [key: string]: {
                                    steps: number[];
                                    values: number[];
                                };
                            };
                            /** @description The last optimizer step there is an entry of; 0: none yet */
                            lastStep: number;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/validation/{step}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Images of the first validation scenes after a measured step of the training, as one PNG */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                    step: number;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/votes": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Votes that stand, in the order in which they were given */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                annotationId: string;
                                /** @description In the order of variant and slot */
                                candidates: string[];
                                createdAt: string;
                                id: string;
                                mode: string;
                                outcome: string;
                                ranking: string[];
                                revision: number;
                                seconds: number;
                                shown: string[];
                                voter: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        /** Vote; the same vote sent again changes nothing */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        /**
                         * @description both-good, both-bad: none is better
                         * @enum {unknown}
                         */
                        outcome: "ranking" | "both-good" | "both-bad";
                        /** @description All of them, best first; empty unless the outcome is "ranking" */
                        ranking: string[];
                        /** @description From when the images could be seen to the answer */
                        seconds: number;
                        /** @description Candidates as they were shown, from the left */
                        shown: string[];
                        /** @description Name of who votes: 1 to 60 characters, none of them a space at the ends */
                        voter: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            annotationId: string;
                            /** @description In the order of variant and slot */
                            candidates: string[];
                            createdAt: string;
                            id: string;
                            mode: string;
                            outcome: string;
                            ranking: string[];
                            revision: number;
                            seconds: number;
                            shown: string[];
                            voter: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/votes/{vote}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Undo a vote */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                    vote: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/votes/next": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a voter is asked next
         * @description The first comparisons that the voter has not answered, to show the first and load the others. Asked again before an answer, they are the same, with the images in the same places.
         */
        get: {
            parameters: {
                query: {
                    limit?: number;
                    /** @description pair: two candidates; rank: all of an annotation, three or more; study: base against tuned */
                    mode?: "pair" | "rank" | "study";
                    /** @description Name of who votes: 1 to 60 characters, none of them a space at the ends */
                    voter: string;
                };
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                annotation: unknown;
                                imgId: string;
                                prompt: string;
                                /** @description The images in the order in which to show them */
                                shown: {
                                    height: number;
                                    id: string;
                                    /** @description The image is at /v1/blobs/SHA256 */
                                    sha256: string;
                                    width: number;
                                }[];
                            }[];
                            /** @description Answered by this voter in this mode */
                            judged: number;
                            /** @description What to undo */
                            lastVote: string | null;
                            total: number;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                409: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/runs/{id}/votes/summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Counts, times, agreement, and the result of a user study (docs/votes.md) */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Run */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            agreement: {
                                /** @description Cohen's for two voters, the mean over every two of more */
                                kappa: number | null;
                                voters: {
                                    agreement: number;
                                    /** @description Pairs of images that both judged */
                                    count: number;
                                    kappa: number | null;
                                    /** @description Two */
                                    voters: string[];
                                }[];
                            };
                            /** @description Those of them where people prefer one */
                            decided: number;
                            /** @description Pairs of curated candidates that somebody compared */
                            judged: number;
                            /** @description Of answers that prefer one of two images: how often it stood on the left */
                            left: {
                                count: number;
                                /** @description 95%, by Wilson */
                                interval95: number[] | null;
                                share: number | null;
                            };
                            /** @description Decided pairs where the run's reward prefers the same candidate */
                            machine: {
                                count: number;
                                /** @description 95%, by Wilson */
                                interval95: number[] | null;
                                share: number | null;
                            };
                            modes: {
                                pair: {
                                    comparisons: number;
                                    votes: number;
                                };
                                rank: {
                                    comparisons: number;
                                    votes: number;
                                };
                                study: {
                                    comparisons: number;
                                    votes: number;
                                };
                            };
                            /** @description Of the votes; `votes` of an export takes it */
                            revision: number;
                            study: {
                                agreement: {
                                    /** @description Cohen's for two voters, the mean over every two of more */
                                    kappa: number | null;
                                    voters: {
                                        agreement: number;
                                        /** @description Pairs of images that both judged */
                                        count: number;
                                        kappa: number | null;
                                        /** @description Two */
                                        voters: string[];
                                    }[];
                                };
                                annotations: number;
                                base: number;
                                /** @description 95%, by Wilson */
                                interval95: number[] | null;
                                neither: number;
                                tuned: number;
                                votes: number;
                                winRate: number | null;
                            } | null;
                            voters: {
                                machine: {
                                    count: number;
                                    /** @description 95%, by Wilson */
                                    interval95: number[] | null;
                                    share: number | null;
                                };
                                medianSeconds: number;
                                outcomes: {
                                    "both-bad": number;
                                    "both-good": number;
                                    ranking: number;
                                };
                                pair: number;
                                rank: number;
                                study: number;
                                voter: string;
                                votes: number;
                            }[];
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Who am I? */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Whether this service asks for keys */
                            needsKey: boolean;
                            /** @description What the caller may do; null: nothing before it has shown a key */
                            scope: ("read" | "write" | "admin") | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /**
         * Sign in with a key
         * @description The answer sets a cookie (HttpOnly, SameSite=Strict) that is good for 12 hours.
         */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        key: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** @description Whether this service asks for keys */
                            needsKey: boolean;
                            /** @description What the caller may do; null: nothing before it has shown a key */
                            scope: ("read" | "write" | "admin") | null;
                        };
                    };
                };
                /** @description Default Response */
                401: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
                /** @description Default Response */
                429: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        /** Sign out */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Remove the files of an upload; what was imported of them stays */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Name of the upload, chosen by you */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/uploads/{name}/{*}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        /** Send a file of an upload, of any length; one of the same name is replaced */
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    "*": string;
                    /** @description Name of the upload, chosen by you */
                    name: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            bytes: number;
                            sha256: string;
                        };
                    };
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                /** Format: date-time */
                                createdAt: string;
                                id: string;
                                url: string;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
            };
        };
        put?: never;
        /** Tell an address when a run has ended */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody: {
                content: {
                    "application/json": {
                        url: string;
                    };
                };
            };
            responses: {
                /** @description Default Response */
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            /** Format: date-time */
                            createdAt: string;
                            id: string;
                            /** @description Signs what is sent; shown this once */
                            secret: string;
                            url: string;
                        };
                    };
                };
                /** @description Default Response */
                400: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Tell it nothing more */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    /** @description Webhook */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                204: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/webhooks/{id}/deliveries": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** What was told or is still to be told, newest first */
        get: {
            parameters: {
                query?: {
                    /** @description `next` of the page before */
                    cursor?: string;
                    /** @description Most entries on a page */
                    limit?: number;
                };
                header?: never;
                path: {
                    /** @description Webhook */
                    id: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                /** @description Null until it has arrived */
                                deliveredAt: string | null;
                                /** @description Of the next try; null once it has arrived or was given up */
                                dueAt: string | null;
                                /** @description Of the last try */
                                error: string | null;
                                /** @description As the header diptych-delivery */
                                id: string;
                                tries: number;
                            }[];
                            /** @description Cursor of the next page; null at the end */
                            next: string | null;
                        };
                    };
                };
                /** @description Default Response */
                404: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            error: {
                                code: string;
                                message: string;
                            };
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/v1/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Worker processes on all machines: when each was last seen, and what it is at */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                /** @description Default Response */
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            items: {
                                host: string;
                                /** @description Bytes when it was last seen */
                                memory: number | null;
                                pid: number;
                                seenAt: string;
                                startedAt: string;
                                /**
                                 * @description quiet: not heard of for 15 seconds
                                 * @enum {unknown}
                                 */
                                state: "working" | "idle" | "quiet";
                                task: {
                                    attempt: number;
                                    /** @description Finished share */
                                    progress: number;
                                    runId: string;
                                    stage: string;
                                } | null;
                                /** @enum {unknown} */
                                worker: "generate" | "score" | "train";
                            }[];
                        };
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: never;
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
