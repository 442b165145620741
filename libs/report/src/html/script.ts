/**
 * The page's only script: values under the pointer, and everything unfolded before printing. The report is complete
 * without it. It reads the `Hover` of a plot from `data-hover` and writes text nodes only.
 */
export const PAGE_SCRIPT = `(() => {
  const tip = document.createElement('div')
  tip.id = 'tip'
  document.body.append(tip)
  const rule = document.createElementNS('http://www.w3.org/2000/svg', 'path')
  rule.setAttribute('class', 'base')
  const cache = new WeakMap()
  const three = (value) => {
    const size = Math.abs(value)
    if (size >= 99.95) return Math.round(value).toLocaleString('en')
    return size === 0 ? '0' : size < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(3)))
  }
  const time = (us) => us < 1e3 ? three(us) + ' µs' : us < 1e6 ? three(us / 1e3) + ' ms' : us < 6e8 ? three(us / 1e6) + ' s' : us < 144e8 ? three(us / 6e7) + ' min' : three(us / 36e8) + ' h'
  const percent = (share) => three(share * 100) + ' %'
  const lastAtMost = (at, x) => {
    let low = 0, high = at.length
    while (low < high) { const middle = (low + high) >> 1; if (at[middle] <= x) low = middle + 1; else high = middle }
    return low - 1
  }
  const line = (colour, name, value) => {
    const row = document.createElement('div')
    const mark = document.createElement('i')
    mark.style.background = colour
    const strong = document.createElement('b')
    strong.textContent = value
    row.append(mark, name + '  ', strong)
    return row
  }
  const rows = (plot, x) => {
    const share = (x - plot.area[0]) / (plot.area[2] - plot.area[0])
    const head = document.createElement('div')
    if (plot.kind === 'cdf') {
      const [low, high] = plot.domain
      head.textContent = 'within ' + time(low * Math.pow(high / low, share))
      return [head, ...plot.lines.filter((l) => l.at.length).map((l) => {
        const i = lastAtMost(l.at, x)
        return line(l.colour, l.name, i < 0 ? '0 %' : percent(l.values[i]))
      })]
    }
    const i = Math.max(0, lastAtMost(plot.at, x))
    head.textContent = time(plot.startUs + share * (plot.endUs - plot.startUs))
    const write = plot.unit === 'share' ? percent : three
    const lines = plot.lines.map((l) => line(l.colour, l.name, write(l.values[i]) + (l.used ? ', in use ' + write(l.used[i]) : '')))
    return [head, ...(plot.lines[0]?.used || plot.unit === 'share' ? lines.reverse() : lines)]
  }
  document.addEventListener('pointermove', (event) => {
    const svg = event.target instanceof Element ? event.target.closest('svg[data-hover]') : null
    if (!svg) { tip.style.display = 'none'; rule.remove(); return }
    if (!cache.has(svg)) cache.set(svg, JSON.parse(svg.dataset.hover))
    const plot = cache.get(svg)
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse())
    const [left, top, right, bottom] = plot.area
    if (point.x < left || point.x > right || point.y < top || point.y > bottom) { tip.style.display = 'none'; rule.remove(); return }
    tip.replaceChildren(...rows(plot, point.x))
    tip.style.display = 'block'
    const room = document.documentElement.clientWidth - event.clientX - 24
    tip.style.left = event.pageX + (room < tip.offsetWidth ? -tip.offsetWidth - 14 : 14) + 'px'
    tip.style.top = event.pageY + 14 + 'px'
    rule.setAttribute('d', 'M' + point.x + ' ' + top + 'V' + bottom)
    svg.append(rule)
  })
  addEventListener('beforeprint', () => { for (const part of document.querySelectorAll('details')) part.open = true })
})()`
