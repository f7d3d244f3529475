import { html, useEffect, useLayoutEffect, useRef } from '../vendor/htm.js'
import { color, useTheme } from './theme.js'

let library
// The package's only minified build is a classic script that sets a global.
const uPlot = () => (library ||= new Promise((done, failed) => {
	const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: new URL('../vendor/uPlot.min.css', import.meta.url) })
	const script = Object.assign(document.createElement('script'), { src: new URL('../vendor/uPlot.iife.min.js', import.meta.url), onload: () => done(window.uPlot), onerror: failed })
	document.head.append(style, script)
}))

const DASH = [5, 3]

/** `series`: `[label, color, values, dashed]`, drawn over `times` in seconds. `axis(value)` labels the scale, `show(value)` says what is latest. */
export function Chart({ title, times, series, axis, show = axis, least, fill }) {
	const box = useRef()
	const plot = useRef()
	const theme = useTheme()
	const data = [times, ...series.map(([, , values]) => values)]
	const latest = useRef(data)
	latest.current = data

	useEffect(() => {
		let gone = false
		let size
		uPlot().then((UPlot) => {
			if (gone) return
			const line = color('--line')
			const text = color('--muted')
			const font = `11px ${getComputedStyle(document.body).fontFamily}`
			const frame = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
			plot.current = new UPlot({
				width: box.current.clientWidth, height: box.current.clientHeight,
				legend: { show: false }, padding: [6, 28, 0, 0], cursor: { y: false, drag: { setScale: false } },
				scales: { y: { range: (_, low, high) => [0, Math.max(least, high * 1.15)] } },
				axes: [{ ...frame, grid: { show: false }, space: 64, size: 22, incrs: [5, 15, 30, 60, 120, 300], values: (_, ticks) => ticks.map(clock) }, { ...frame, size: 56, space: 34, values: (_, ticks) => ticks.map(axis) }],
				series: [{}, ...series.map(([label, name, , dashed]) => ({ label, stroke: color(name), width: 1.75, dash: dashed && DASH, points: { show: false, size: 4, filter: alone }, fill: fill && `color-mix(in srgb, ${color(name)} 14%, transparent)` }))],
			}, latest.current, box.current)
			size = new ResizeObserver(([entry]) => plot.current.setSize({ width: Math.floor(entry.contentRect.width), height: Math.floor(entry.contentRect.height) }))
			size.observe(box.current)
		}, () => {})
		return () => {
			gone = true
			size?.disconnect()
			plot.current?.destroy()
			plot.current = null
		}
	}, [theme])
	useLayoutEffect(() => plot.current?.setData(data), [times])

	return html`
		<figure class="card chart">
			<figcaption>
				<h2>${title}</h2>
				<ul class=values>${series.map(([label, name, values, dashed]) => html`<li key=${label}><i class=${`stroke ${dashed ? 'dashed' : ''}`} style=${{ color: `var(${name})` }}></i>${label} <b>${values.at(-1) == null ? '–' : show(values.at(-1))}</b></li>`)}</ul>
			</figcaption>
			<div ref=${box} class=plot aria-hidden=true></div>
		</figure>`
}

/** A value between two gaps has no line: a point shows it. */
const alone = ({ data }, index) => data[index].flatMap((value, at, all) => (value !== null && all[at - 1] == null && all[at + 1] == null ? [at] : []))

const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })

export function Bars({ values, label }) {
	const most = Math.max(1, ...values)
	return html`
		<svg class=spark viewBox="0 0 300 60" preserveAspectRatio=none role=img aria-label=${label}>
			${values.map((value, index) => {
				const height = Math.max(1, (value / most) * 60)
				return html`<rect key=${index} x=${300 - (values.length - index) * 3} y=${60 - height} width=2 height=${height} />`
			})}
		</svg>`
}
