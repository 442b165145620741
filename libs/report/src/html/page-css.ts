import { PLOT_CSS, THEME_CSS } from '../svg/theme.js'

/** Everything a page needs, inline: a report is one file that opens from a disk without a network. */
export const PAGE_CSS = `${THEME_CSS}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;-webkit-text-size-adjust:100%}
main{max-width:1160px;margin:0 auto;padding:36px 24px 72px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:19px;margin:44px 0 10px;letter-spacing:-.005em}
h3{font-size:15px;margin:26px 0 8px}
p{margin:6px 0 12px;max-width:80ch}
.subtitle{color:var(--muted);font-size:16px;margin:0 0 22px}
.muted{color:var(--muted)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));margin:0;background:var(--card);border:1px solid var(--grid);border-radius:10px;overflow:hidden}
.facts div{padding:10px 14px;box-shadow:1px 1px 0 var(--grid)}
.facts dt{color:var(--muted);font-size:12px}
.facts dd{margin:0}
.verdict{border-left:3px solid var(--accent);padding:2px 0 2px 14px;margin:10px 0 18px}
.verdict p{margin:2px 0;max-width:100ch}
.verdict p:first-child{font-size:17px;font-weight:600}
.caution{color:var(--muted);font-size:14px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--grid);border-radius:10px;margin:10px 0 18px}
table{border-collapse:collapse;width:100%;font-size:13px;font-variant-numeric:tabular-nums}
caption{text-align:left;font-weight:600;padding:12px 14px 6px}
th,td{padding:6px 10px;text-align:right;white-space:nowrap;border-top:1px solid var(--grid)}
thead th{white-space:normal;color:var(--muted);font-weight:500;border-top:0;vertical-align:bottom}
th:first-child{text-align:left;font-weight:500;padding-left:14px}th:last-child,td:last-child{padding-right:14px}
tbody tr.scope td,tbody tr.scope th{border-top:2px solid var(--rule)}
td.best{font-weight:700;background:var(--best)}
td .spread{display:block;font-weight:400;font-size:11.5px;color:var(--muted)}
td.margin{color:var(--muted)}
.arrow{color:var(--muted);display:inline-block;width:1.2em}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:12px 0 20px}
.figure{background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:10px 14px}
.figure b{display:block;font-size:21px;line-height:1.25;font-variant-numeric:tabular-nums;white-space:nowrap}
.figure span{color:var(--muted);font-size:12.5px;display:block}
.plots{display:grid;grid-template-columns:repeat(6,1fr);align-items:start;gap:16px;margin:12px 0 18px}
.plots figure{margin:0;background:var(--card);border:1px solid var(--grid);border-radius:10px;padding:12px 12px 6px;min-width:0;break-inside:avoid}
.whole{grid-column:span 6}.half{grid-column:span 3}.third{grid-column:span 2}
.plot{display:block;width:100%;height:auto;overflow:visible}
details{margin:18px 0;border-top:1px solid var(--rule)}
summary{cursor:pointer;font-size:19px;font-weight:650;padding:14px 0 8px;list-style-position:outside}
summary .muted{font-weight:400;font-size:15px}
ul.notes{margin:6px 0 14px;padding-left:20px;color:var(--muted);font-size:14px}
code{font:13px/1.5 ui-monospace,'Cascadia Mono','SF Mono',Menlo,'DejaVu Sans Mono',monospace;background:var(--card);border:1px solid var(--grid);border-radius:6px;padding:2px 6px;overflow-wrap:anywhere}
footer{margin-top:48px;color:var(--muted);font-size:13px;border-top:1px solid var(--grid);padding-top:14px}
#tip{position:absolute;pointer-events:none;z-index:2;display:none;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:7px 10px;font-size:12px;line-height:1.45;box-shadow:0 4px 18px rgb(0 0 0/.16);white-space:nowrap;font-variant-numeric:tabular-nums}
#tip i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
#tip b{font-weight:600}
@media screen and (max-width:860px){main{padding:22px 14px 48px}.half,.third{grid-column:span 6}}
@media print{main{max-width:none;padding:0}body{font-size:10pt}.plots{gap:8px}.facts{grid-template-columns:repeat(3,1fr)}.figures{grid-template-columns:repeat(7,1fr);gap:6px}.figure{padding:6px 8px}.figure b{font-size:11pt}.figure span{font-size:7.5pt}h2{break-after:avoid}details,.plots figure,.scroll,.figure{break-inside:avoid}details{break-inside:auto}.scroll{overflow:visible}table{font-size:8.5pt}th,td{padding:3px 6px}summary{list-style:none}#tip{display:none!important}*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
${PLOT_CSS}`
