import { html } from '../vendor/htm.js'

const EPOCH = 1_601_074_153_000
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' })
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })
const UNITS = [['year', 31_557_600], ['month', 2_629_800], ['week', 604_800], ['day', 86_400], ['hour', 3600], ['minute', 60]]

/** When an id was made: its upper 42 bits. */
export const madeAt = (id) => new Date(Number(BigInt(id) >> 22n) + EPOCH)

function ago(date) {
	const seconds = (new Date(date) - Date.now()) / 1000
	const unit = UNITS.find(([, length]) => Math.abs(seconds) >= length)
	if (!unit) return Math.abs(seconds) < 10 ? 'just now' : relative.format(Math.trunc(seconds), 'second')
	return relative.format(Math.round(seconds / unit[1]), unit[0])
}

export const exactly = (date) => absolute.format(new Date(date))

export function Time({ at }) {
	const date = new Date(at)
	return html`<time datetime=${date.toISOString()} title=${exactly(date)}>${ago(date)}</time>`
}

export const When = ({ at }) => html`${exactly(at)} (<${Time} at=${at} />)`

export function duration(seconds) {
	const parts = [['d', 86_400], ['h', 3600], ['min', 60], ['s', 1]]
	const first = parts.findIndex(([, length]) => seconds >= length)
	if (first === -1) return '0 s'
	return parts.slice(first, first + 2).map(([unit, length], index) => {
		const rest = index ? seconds % parts[first][1] : seconds
		return `${Math.floor(rest / length)} ${unit}`
	}).join(' ')
}
