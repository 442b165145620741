/**
 * Colours of the report as CSS variables, light and dark. Models: the palette of Okabe and Ito ("Color Universal Design",
 * 2008), lightened for dark paper; policies: of Paul Tol ("Colour Schemes", 2021, muted), so that a policy is not mistaken
 * for a model. Both can be told apart by readers with a colour vision deficiency; lines differ by their dashes besides.
 */
const LIGHT = `--paper:#f7f7f5;--card:#fff;--ink:#1b2130;--muted:#5d6678;--grid:#e8eaee;--rule:#cdd3dc;--accent:#0b62b8;
--best:#e6f2ea;--heat:#0b559f;--heat-ink:#fff;
--m0:#0072b2;--m1:#d55e00;--m2:#009e73;--m3:#a8498f;--m4:#e0a000;--m5:#56b4e9;--m6:#868e9b;
--p0:#1b2130;--p1:#cc4f66;--p2:#2b8f86;--p3:#94810f;--p4:#882255;--p5:#4a6fb5;`

const DARK = `--paper:#0e1117;--card:#161b24;--ink:#e7eaf0;--muted:#98a3b5;--grid:#242b38;--rule:#3b4557;--accent:#6cb4ff;
--best:#17352a;--heat:#7cc0ff;--heat-ink:#0b1a2b;
--m0:#4aa9ea;--m1:#ff8b4d;--m2:#2dc79b;--m3:#e08fd0;--m4:#f3bd4e;--m5:#a6dcfb;--m6:#8b94a3;
--p0:#f2f4f8;--p1:#f08a9c;--p2:#59c7ba;--p3:#d6c257;--p4:#d184b4;--p5:#86aef0;`

const MODEL_COLOURS = 6
const POLICY_COLOURS = 5

/** Of a model by its place among the shown ones; past the palette, the grey of "others". */
export function modelColour(index: number): string {
  return `var(--m${Math.min(index, MODEL_COLOURS)})`
}

/** Of a policy: ink for the subject of a comparison, a colour for each rival. */
export function policyColour(index: number, subject: number): string {
  if (index === subject) return 'var(--p0)'
  const rival = index < subject ? index : index - 1
  return `var(--p${1 + (rival % POLICY_COLOURS)})`
}

const DASHES = ['', '7 3', '2 2.5', '9 3 2 3', '1.5 4', '12 3'] as const

export function dashOf(index: number): string {
  return DASHES[index % DASHES.length]
}

/** Paper is white whatever the screen was. */
export const THEME_CSS = `:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
@media print{:root{color-scheme:light;${LIGHT}--paper:#fff}}`

/** For plots, inside a page or in a file of their own. */
export const PLOT_CSS = `.plot{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
.plot text{fill:var(--ink);font-size:11px}
.plot .title{font-size:13px;font-weight:600}
.plot .unit,.plot .tick,.plot .axis{fill:var(--muted)}
.plot .tick{font-variant-numeric:tabular-nums}
.plot .grid{stroke:var(--grid);stroke-width:1;fill:none}
.plot .base{stroke:var(--rule);stroke-width:1;fill:none}
.plot .line{fill:none;stroke-width:1.6;stroke-linejoin:round}
.plot .inband{font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
.plot .limit{stroke:var(--muted);stroke-width:1;stroke-dasharray:3 3;fill:none}
.plot .empty{fill:var(--muted);font-size:12px}`
