const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export const plain = new Intl.NumberFormat('en')

export function bytes(count) {
	const power = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, count)) / 10))
	const value = count / 1024 ** power
	return `${value < 10 && power ? value.toFixed(1) : Math.round(value)} ${UNITS[power]}`
}
