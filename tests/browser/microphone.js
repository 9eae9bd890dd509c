// Put into a page before its own scripts: a microphone into which a sound file (base64) is spoken, again and again. It is played by
// an element and not by an AudioContext, for in Firefox none runs where there is no sound device.
(sound) => {
  const devices = navigator.mediaDevices;
  if (!devices) return; // not a secure page
  const getUserMedia = devices.getUserMedia.bind(devices);
  const bytes = Uint8Array.from(atob(sound), (letter) => letter.charCodeAt(0));
  devices.getUserMedia = async (constraints) => {
    const own = await getUserMedia(constraints); // Firefox is asked all the same, as it would be
    if (!constraints.audio) return own;
    const speech = (window.probeSpeech = new Audio(URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }))));
    speech.loop = true;
    await speech.play();
    return speech.mozCaptureStream();
  };
}
