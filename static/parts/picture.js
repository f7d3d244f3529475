// The discriminators of a name as a picture: row = the first two digits, column = the last two.

import { html, useLayoutEffect, useRef, useState } from '../vendor/htm.js'
import { color, useTheme } from './theme.js'

const SIDE = 100
const MARGIN = 22

export const digits = (number) => String(number).padStart(4, '0')

/** Is the bit of this discriminator set? Lowest bit first, as a string of hex. */
export const taken = (bits, number) => (parseInt(bits.substr((number >> 3) * 2, 2), 16) >> (number & 7)) & 1

/** `mine` and `chosen`: discriminators to mark. `at` is the cursor, `move(number)` takes it elsewhere, `open(number)` is Enter, Space or a click. */
export function Picture({ bits, mine, chosen, at, move, open, label, describedby }) {
	const box = useRef()
	const canvas = useRef()
	const [width, setWidth] = useState(0)
	const theme = useTheme()
	const cell = useRef(0)

	useLayoutEffect(() => {
		const size = new ResizeObserver(([entry]) => setWidth(Math.min(entry.contentRect.width, 760)))
		size.observe(box.current)
		return () => size.disconnect()
	}, [])

	// A cell is a whole number of device pixels, so that the picture is crisp.
	useLayoutEffect(() => {
		if (!width) return
		const scale = devicePixelRatio || 1
		const margin = Math.round(MARGIN * scale)
		const size = (cell.current = Math.max(1, Math.floor((width * scale - margin) / SIDE)))
		const side = size * SIDE + margin
		const element = canvas.current
		element.width = element.height = side
		element.style.width = element.style.height = `${side / scale}px`
		const context = element.getContext('2d')
		const gap = size > 3 ? Math.max(1, Math.round(size / 6)) : 0
		const rect = (number, grow = 0) => [margin + (number % SIDE) * size - grow, margin + Math.floor(number / SIDE) * size - grow, size - gap + 2 * grow, size - gap + 2 * grow]

		context.fillStyle = color('--muted')
		context.font = `${10 * scale}px ${getComputedStyle(element).fontFamily}`
		for (let ten = 0; ten < SIDE; ten += 10) {
			context.textAlign = 'left'
			context.textBaseline = 'bottom'
			context.fillText(digits(ten).slice(2), margin + ten * size, margin - 4 * scale)
			context.textAlign = 'right'
			context.textBaseline = 'top'
			context.fillText(digits(ten).slice(2), margin - 5 * scale, margin + ten * size - scale)
		}
		const free = color('--free')
		const full = color('--taken')
		const none = color('--surface')
		for (let number = 0; number < SIDE * SIDE; number++) {
			context.fillStyle = number === 0 ? none : taken(bits, number) ? full : free
			context.fillRect(...rect(number))
		}
		const ring = (number, name, grow, thick) => {
			context.strokeStyle = color(name)
			context.lineWidth = thick
			context.strokeRect(...rect(number, grow))
		}
		for (const [number, name] of [[chosen, '--surface'], [mine, '--mine']]) {
			if (!number) continue
			context.fillStyle = color(name)
			context.fillRect(...rect(number, Math.max(1, Math.round(scale))))
			ring(number, '--text', Math.round(2.5 * scale), 1.5 * scale)
		}
		if (at) {
			ring(at, '--surface', Math.round(3.5 * scale), 2 * scale)
			ring(at, '--text', Math.round(2 * scale), 2 * scale)
		}
	}, [bits, mine, chosen, at, width, theme])

	function under(event) {
		const frame = canvas.current.getBoundingClientRect()
		const scale = canvas.current.width / frame.width
		const margin = Math.round(MARGIN * (devicePixelRatio || 1))
		const column = Math.floor(((event.clientX - frame.left) * scale - margin) / cell.current)
		const row = Math.floor(((event.clientY - frame.top) * scale - margin) / cell.current)
		const number = row * SIDE + column
		return column >= 0 && column < SIDE && row >= 0 && row < SIDE && number > 0 ? number : null
	}
	function press(event) {
		const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE, PageUp: -10 * SIDE, PageDown: 10 * SIDE }
		if (event.ctrlKey || event.metaKey || event.altKey) return
		if (event.key in steps) {
			const to = (at || 1) + (at ? steps[event.key] : 0)
			if (to > 0 && to < SIDE * SIDE) move(to)
		} else if (event.key === 'Home') move(Math.max(1, Math.floor((at || 1) / SIDE) * SIDE))
		else if (event.key === 'End') move(Math.floor((at || 1) / SIDE) * SIDE + SIDE - 1)
		else if (['Enter', ' '].includes(event.key) && at) open(at)
		else return
		event.preventDefault()
	}

	// A finger has no hovering: its first tap tells, the second opens.
	const touched = useRef(null)
	return html`
		<div ref=${box} class=picture>
			<canvas ref=${canvas} tabindex=0 role=application aria-roledescription="picture of discriminators" aria-label=${label} aria-describedby=${describedby}
				onPointerMove=${(event) => { const number = event.pointerType === 'mouse' && under(event); if (number && number !== at) move(number) }}
				onPointerDown=${(event) => { touched.current = event.pointerType === 'mouse' ? null : at }}
				onClick=${(event) => {
					const number = under(event)
					if (!number) return
					if (touched.current !== null && touched.current !== number) move(number)
					else if (touched.current === null && event.pointerType === 'touch') move(number)
					else open(number)
				}}
				onKeyDown=${press} onFocus=${() => at || move(mine || 1)}></canvas>
		</div>`
}
