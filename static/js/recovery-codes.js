// The sheet of recovery codes, on paper.

import { $ } from "./dom.js";

$("#codes-print").addEventListener("click", () => window.print());
