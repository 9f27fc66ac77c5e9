"""blurcam: finds the faces in CCTV footage and blurs them before anything is stored or forwarded."""
