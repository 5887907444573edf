"""How the page looks: on a phone, on a desk, in the dark, and in print."""

LIGHT = {"ink": "#1c2430", "soft": "#5b6675", "paper": "#fbfbf9", "card": "#ffffff", "rule": "#dfe3e8"}
DARK = {"ink": "#e6e9ee", "soft": "#9aa6b5", "paper": "#14171c", "card": "#1b2027", "rule": "#323a45"}
PRINT = {"ink": "#000000", "soft": "#444444", "paper": "#ffffff", "card": "#ffffff", "rule": "#cccccc"}
STROKES = {"c0": "#2563a8", "c1": "#c4601d"}
DARK_STROKES = {"c0": "#6ea8e6", "c1": "#f0a065"}
# A cell of a matrix is its card under so much of this colour, by its share of the row: little enough for the ink.
CELL, DARK_CELL, DEEPEST = "37 99 168", "110 168 230", 0.5


def _names(colours: dict[str, str]) -> str:
    return " ".join(f"--{name}: {value};" for name, value in colours.items())


STYLE = f"""
:root {{ color-scheme: light dark; {_names(LIGHT)} {_names(STROKES)} --cell: {CELL}; }}
@media screen and (prefers-color-scheme: dark) {{
  :root {{ {_names(DARK)} {_names(DARK_STROKES)} --cell: {DARK_CELL}; }} }}
@media print {{ :root {{ color-scheme: light; {_names(PRINT)} }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; max-width: 64rem; padding: 1.2rem clamp(0.8rem, 4vw, 2rem) 3rem; background: var(--paper);
  color: var(--ink); font: 16px/1.55 system-ui, sans-serif; overflow-wrap: break-word; }}
bdi {{ overflow-wrap: anywhere; }}
h1 {{ font-size: clamp(1.4rem, 5vw, 2rem); line-height: 1.2; margin: 0.6rem 0 0.2rem; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 0.6rem; break-after: avoid; }}
p {{ margin: 0.4rem 0; }} .soft {{ color: var(--soft); font-weight: 400; }} p.soft {{ font-size: 0.9rem; }}

.scores {{ display: flex; flex-wrap: wrap; gap: 0.8rem; margin: 1rem 0 0.4rem; }}
.score {{ background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: 0.5rem 0.9rem; }}
.score b {{ display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }}
.score span {{ display: block; color: var(--soft); font-size: 0.8rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 1.2rem; margin: 0.6rem 0; }}
dt {{ color: var(--soft); }} dd {{ margin: 0; min-width: 0; }}

.grid2 {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }}
figure {{ margin: 0; padding: 0.7rem 0.8rem; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  break-inside: avoid; min-width: 0; container-type: inline-size; }}
figure.whole {{ grid-column: 1 / -1; }} figure:only-child:not(.whole) {{ max-width: 38rem; }}
figcaption {{ font-weight: 600; font-size: 0.92rem; margin-bottom: 0.3rem; }}
figcaption .soft {{ display: block; font-size: 0.8rem; line-height: 1.35; }}

svg {{ display: block; overflow: visible; }}
svg.plot {{ height: 190px; width: calc(100% - var(--left) - 22px); margin: 30px 22px 40px var(--left); }}
svg text {{ font: 12px system-ui, sans-serif; }} .tick {{ fill: var(--soft); }} .name {{ fill: var(--ink); }}
@container (max-width: 21rem) {{ .between {{ display: none; }} }}
.gridline {{ stroke: var(--rule); stroke-width: 1; }}
.mark {{ stroke: var(--soft); stroke-width: 1.5; stroke-dasharray: 1.5 3.5; fill: none; }}
.line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
.line, .mark {{ vector-effect: non-scaling-stroke; }} .thin {{ stroke-width: 1; stroke-opacity: 0.4; }}
.line.c0 {{ stroke: var(--c0); }} .line.c1 {{ stroke: var(--c1); stroke-dasharray: 6 3; }}
circle.c0, rect {{ fill: var(--c0); }} circle.c1 {{ fill: var(--c1); }} circle.thin {{ fill-opacity: 0.4; }}
.legend {{ list-style: none; display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; padding: 0; margin: 0;
  font-size: 0.85rem; }}
.legend i {{ display: inline-block; width: 0.9rem; border-top: 0.22rem solid; margin-right: 0.4rem;
  vertical-align: middle; }}
i.c0 {{ border-color: var(--c0); }} i.c1 {{ border-color: var(--c1); border-top-style: dashed; width: 1.4rem; }}

.wide {{ overflow-x: auto; }} table {{ border-collapse: collapse; font-size: 0.9rem; width: 100%; }}
caption {{ text-align: left; color: var(--soft); font-size: 0.85rem; padding-bottom: 0.3rem; }}
th, td {{ text-align: left; padding: 0.25rem 0.7rem 0.25rem 0; border-bottom: 1px solid var(--rule);
  vertical-align: top; }}
tbody th {{ font-weight: 400; }} .num {{ text-align: right; font-variant-numeric: tabular-nums; }}
thead th {{ overflow-wrap: normal; }} td.num {{ white-space: nowrap; }} summary {{ cursor: pointer; }}
td:not(.num) {{ min-width: 5.5em; }} .bars td:not(.num), .confusion td {{ min-width: 0; }}
.narrow {{ display: none; }} @container (max-width: 38rem) {{ .narrow {{ display: block; }} }}
.bars th {{ width: 38%; }} .bars td {{ border: 0; }} .bars th {{ border: 0; line-height: 1.3; }}
.bars td.num {{ width: 1%; }} .bars td:last-child {{ padding-right: 0; }}
.bars svg {{ width: 100%; height: 1.4rem; }} .spread, .zero {{ stroke: var(--ink); stroke-width: 1.2; }}
.zero {{ stroke: var(--soft); }}

table.confusion {{ width: auto; border-collapse: separate; border-spacing: 1px; }}
.confusion th {{ color: var(--soft); font-weight: 500; }}
.wrapped th {{ overflow-wrap: anywhere; min-width: 4.5em; }} .confusion:not(.wrapped) th {{ white-space: nowrap; }}
.confusion td, .confusion th {{ text-align: right; padding: 0.25rem 0.5rem; border: 0; vertical-align: middle; }}
.confusion td {{ background: rgb(var(--cell) / calc(var(--share, 0) * {DEEPEST})); white-space: nowrap;
  font-variant-numeric: tabular-nums; }}
.confusion td.right {{ font-weight: 600; outline: 1px solid var(--soft); outline-offset: -1px; }}
.confusion tr > :first-child {{ position: sticky; left: 0; background: var(--card); }}
.many td {{ text-align: center; min-width: 1.9em; }}
.many td, .many th {{ font-size: 0.72rem; padding: 0.15rem 0.15rem; }}
.upright thead th {{ writing-mode: vertical-rl; transform: rotate(180deg); text-align: left;
  vertical-align: top; padding: 0.3rem 0; }}

ul.words {{ padding-left: 1.1rem; }}
pre span {{ white-space: nowrap; }}
pre {{ white-space: pre-wrap; background: var(--card); border: 1px solid var(--rule); border-radius: 8px;
  padding: 0.7rem 0.9rem; font-size: 0.88rem; }}
@media (max-width: 30rem) {{
  dl.stacked {{ grid-template-columns: 1fr; }} .stacked dt {{ color: var(--ink); font-weight: 600; }}
  .stacked dd {{ margin-bottom: 0.5rem; }}
  table {{ font-size: 0.75rem; }} th, td {{ padding-right: 0.35rem; }}
}}
@media print {{
  @page {{ margin: 14mm; }}
  :root {{ font-size: 11px; }} body {{ max-width: none; padding: 0; font-size: 11px; }}
  svg text {{ font-size: 10px; }} svg.plot {{ height: 130px; }}
  .grid2 {{ grid-template-columns: 1fr 1fr; gap: 0.7rem; }}
  .wide {{ overflow: visible; }} .confusion tr > :first-child {{ position: static; }}
  .confusion, rect, .legend {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
  .many td, .many th {{ font-size: 8px; padding: 1px 1.5px; }}
  details::details-content {{ content-visibility: visible; block-size: auto; }}
  tr, pre, li, .scores, dl {{ break-inside: avoid; }} tr:has(details) {{ break-inside: auto; }}
  .narrow {{ display: none !important; }} thead {{ display: table-header-group; }} caption {{ break-after: avoid; }}
}}
"""
